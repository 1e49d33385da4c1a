#include "experiments/metrics.h"

#include <math.h>
#include <string.h>

/* clang-format off */
#define DIM(...) {.e = {__VA_ARGS__}}
#define D_ONE DIM(0)
#define D_TIME DIM([Q_TIME] = 1)
#define D_ENERGY DIM([Q_ENERGY] = 1)
#define D_AREA DIM([Q_LENGTH] = 2)
#define D_EDP DIM([Q_ENERGY] = 1, [Q_TIME] = 1)
#define D_POWER DIM([Q_ENERGY] = 1, [Q_TIME] = -1)
#define D_RATE DIM([Q_TIME] = -1)
#define D_DATA DIM([Q_DATA] = 1)
#define D_VOLTAGE DIM([Q_VOLTAGE] = 1)
#define D_POINT DIM([Q_POINT] = 1)
/* clang-format on */

const struct metric metrics[METRIC_COUNT] = {
    [METRIC_ENERGY] = {"energy", "energy_j", "J", 1, D_ENERGY, -1, 0,
                       "energy of one inference batch: MACs, storage, networks, DRAM, leakage while it runs"},
    [METRIC_LATENCY] = {"latency", "latency_s", "s", 1, D_TIME, -1, 0,
                        "time of one inference batch from input to output, alone on the chip"},
    [METRIC_AREA] = {"area", "area_mm2", "mm2", 1e6, D_AREA, -1, 0,
                     "silicon of all cores and shared levels, without DRAM devices"},
    [METRIC_EDP] = {"edp", "edp_js", "J*s", 1, D_EDP, -1, 0, "energy times latency"},
    [METRIC_POWER_AVG] = {"power_avg", "power_avg_w", "W", 1, D_POWER, -1, 0, "mean power: energy over latency"},
    [METRIC_POWER_PEAK] = {"power_peak", "power_peak_w", "W", 1, D_POWER, -1, 0,
                           "power while the hottest operator runs, leakage included"},
    [METRIC_THROUGHPUT] = {"throughput", "throughput_per_s", "1/s", 1, D_RATE, 1, NAN,
                           "inferences a second with blocks of successive batches overlapped: the busiest core or "
                           "shared resource sets it"},
    [METRIC_UTILIZATION] = {"utilization", "utilization", "1", 1, D_ONE, 1, 1,
                            "MACs over what all MAC units could do in the latency"},
    [METRIC_ACCURACY] = {"accuracy", "accuracy_pct", "%", 1, D_POINT, 1, 100,
                         "top-1 accuracy in percent by the study's proxy"},
    [METRIC_ACCURACY_DROP] = {"accuracy_drop", "accuracy_drop_pp", "pp", 1, D_POINT, -1, 0,
                              "percentage points of top-1 below the unquantized network, by the study's proxy"},
    [METRIC_DRAM_TRAFFIC] = {"dram_traffic", "dram_bytes", "B", 0.125, D_DATA, -1, 0,
                             "bytes moved to and from DRAM for one batch"},
    [METRIC_WEIGHT_SIZE] = {"weight_size", "weight_bytes", "B", 0.125, D_DATA, -1, 0,
                            "weights of the network at their bit widths, with scales and zero points"},
    [METRIC_ENERGY_DRAM] = {"energy_dram", "energy_dram_j", "J", 1, D_ENERGY, -1, 0, "part of energy: DRAM accesses"},
    [METRIC_ENERGY_ONCHIP] = {"energy_onchip", "energy_onchip_j", "J", 1, D_ENERGY, -1, 0,
                              "part of energy: on-chip memories and registers"},
    [METRIC_ENERGY_MAC] = {"energy_mac", "energy_mac_j", "J", 1, D_ENERGY, -1, 0,
                           "part of energy: MACs and vector operations"},
    [METRIC_ENERGY_NETWORK] = {"energy_network", "energy_network_j", "J", 1, D_ENERGY, -1, 0,
                               "part of energy: on-chip networks"},
    [METRIC_ENERGY_LEAKAGE] = {"energy_leakage", "energy_leakage_j", "J", 1, D_ENERGY, -1, 0,
                               "part of energy: leakage over the latency"},
    [METRIC_VOLTAGE] = {"voltage", "voltage_v", "V", 1, D_VOLTAGE, 0, NAN,
                        "lowest supply voltage of the node that meets the clock"},
    [METRIC_SQNR] = {"sqnr", "sqnr_db", "dB", 1, D_ONE, 1, NAN,
                     "signal over quantization noise at the network's output, from the weights of its file, in dB"},
    [METRIC_SQNR_WORST] = {"sqnr_worst", "sqnr_worst_db", "dB", 1, D_ONE, 1, NAN,
                           "signal over noise of the weights that lose most by their quantization, in dB"},
    [METRIC_PERPLEXITY] = {"perplexity", "perplexity", "1", 1, D_ONE, -1, 0,
                           "WikiText-2 perplexity by a law fitted to published ones, from bits a weight, KV cache and "
                           "activations"},
    [METRIC_ACTIVATION_PEAK] = {"activation_peak", "activation_peak_bytes", "B", 0.125, D_DATA, -1, 0,
                                "most memory that activations take at once, results written in place where legal"},
    [METRIC_KV_SIZE] = {"kv_size", "kv_bytes", "B", 0.125, D_DATA, -1, 0,
                        "keys and values that live in main memory between steps"},
};

int metric_find(const char *name)
{
    for (int i = 0; i < METRIC_COUNT; i++) {
        if (strcmp(metrics[i].name, name) == 0) {
            return i;
        }
    }
    return -1;
}

/* The tables by which template files are read: keys, types, help. */
#include "hw/template_impl.h"

const char *const param_type_names[] = {"int",     "real", "capacity", "frequency", "bandwidth",
                                        "voltage", "bool", "choice",   NULL};
_Static_assert(sizeof param_type_names / sizeof *param_type_names == PARAM_TYPE_COUNT + 1, "a name for each");
const char *const level_class_names[] = {"dram", "sram", "regfile", "register", NULL};
_Static_assert(sizeof level_class_names / sizeof *level_class_names == CLASS_COUNT + 1, "a name for each");
const char *const network_names[] = {"tree", "mesh", "bus", NULL};
_Static_assert(sizeof network_names / sizeof *network_names == NETWORK_COUNT + 1, "a name for each");
const char *const stationary_names[] = {"weights", "inputs", "outputs", "none", NULL};
_Static_assert(sizeof stationary_names / sizeof *stationary_names == TENSOR_ROLE_COUNT + 2, "the roles, then none");

const char *const occupancy_names[] = {"worst", "expected", NULL};
_Static_assert(sizeof occupancy_names / sizeof *occupancy_names == OCCUPANCY_COUNT + 1, "a name for each");

#define NODE(from, name, below, text)                                                                                  \
    {                                                                                                                  \
        .key = #name, .type = FIELD_NODE, .offset = offsetof(struct from, name), .sub = below, .help = text            \
    }
#define SCHEMA(label, table)                                                                                           \
    {                                                                                                                  \
        .what = label, .fields = table, .n = (int)(sizeof(table) / sizeof *(table))                                    \
    }

static const struct field param_fields[] = {
    {.key = "type",
     .type = FIELD_CHOICE,
     .offset = offsetof(struct param_file, type),
     .choices = param_type_names,
     .help = "what the values are"},
    {.key = "default",
     .type = FIELD_NODE,
     .offset = offsetof(struct param_file, def),
     .help = "value where a study gives none"},
    NODE(param_file, range, NULL, "[least, greatest], inclusive; not for bool and choice"),
    NODE(param_file, values, NULL, "choice: the labels"),
    {.key = "help", .type = FIELD_STRING, .offset = offsetof(struct param_file, help), .help = "one line"},
};
const struct schema param_schema = SCHEMA("parameter", param_fields);

static const struct field bandwidth_fields[] = {
    NODE(bandwidth_file, read, NULL, "of one instance: bit/s, or bit for each cycle"),
    NODE(bandwidth_file, write, NULL, "likewise"),
    NODE(bandwidth_file, shared, NULL, "reads and writes together"),
};
const struct schema bandwidth_schema = SCHEMA("bandwidth", bandwidth_fields);

static const struct field fanout_fields[] = {
    NODE(fanout_file, x, NULL, "children along x"),
    NODE(fanout_file, y, NULL, "children along y"),
};
const struct schema fanout_schema = SCHEMA("fanout", fanout_fields);

static const struct field sparse_fields[] = {
    NODE(sparse_file, format, NULL,
         "how the level stores it: none, bitmask, rlc, coo or csr, or a choice parameter; none"),
    NODE(sparse_file, field, NULL, "rlc: width of a run's length; coo, csr: of coordinates, what the tensor needs"),
    {.key = "occupancy",
     .type = FIELD_CHOICE,
     .offset = offsetof(struct sparse_file, occupancy),
     .choices = occupancy_names,
     .help = "what the capacity must hold of a compressed tile: worst (no zeros) or expected; worst"},
    NODE(sparse_file, gate, NULL,
         "operands that a word towards the MACs waits for: where they are zero it costs no energy; weights, inputs"),
    NODE(sparse_file, skip, NULL, "the same, and no time"),
};
const struct schema sparse_schema = SCHEMA("treatment of zeros", sparse_fields);

static const struct field level_fields[] = {
    {.key = "name",
     .type = FIELD_NAME,
     .offset = offsetof(struct level_file, name),
     .required = true,
     .help = "unique in the template"},
    {.key = "class",
     .type = FIELD_CHOICE,
     .offset = offsetof(struct level_file, class),
     .required = true,
     .choices = level_class_names,
     .help = "dram: off chip; sram; regfile: small sram; register: flip-flops"},
    NODE(level_file, kind, NULL, "dram: a row of hw/technology/dram.csv, or a choice parameter"),
    NODE(level_file, when, NULL,
         "condition on the parameters; false leaves the level out, its fan-out goes to "
         "the level above"),
    NODE(level_file, size, NULL, "capacity of one instance; not for dram"),
    NODE(level_file, width, NULL, "one physical word"),
    NODE(level_file, banks, NULL, "equal banks of one port each, accessed independently; 1"),
    NODE(level_file, bandwidth, &bandwidth_schema,
         "of one instance; without: sram as fast as its banks, regfile and register no "
         "limit"),
    NODE(level_file, buffering, NULL, "1, or 2: double buffered, a tile may fill half; 1"),
    NODE(level_file, keep, NULL, "tensors that are always held: weights, inputs, outputs, all"),
    NODE(level_file, bypass, NULL, "tensors that are never held; the mapper decides on the others"),
    NODE(level_file, sparse, &sparse_schema,
         "what the level does with zeros: {weights, inputs, outputs: {format, ...}}"),
    NODE(level_file, fanout, &fanout_schema,
         "instances of the next level inside (or MAC units) below one instance; 1 x 1"),
    {.key = "network",
     .type = FIELD_CHOICE,
     .offset = offsetof(struct level_file, network),
     .choices = network_names,
     .help = "to the children: tree, mesh (a register each hop), bus (its whole length "
             "each time)"},
    NODE(level_file, link, NULL,
         "mesh: width of the register of a hop; the word of the child, or activation "
         "and partial sum before MAC units"),
    {.key = "links",
     .type = FIELD_BOOL,
     .offset = offsetof(struct level_file, links),
     .help = "mesh: the children hand on words that their next neighbours lack"},
    {.key = "cores",
     .type = FIELD_BOOL,
     .offset = offsetof(struct level_file, cores),
     .help = "the children of this level are the cores"},
};
const struct schema level_schema = SCHEMA("level", level_fields);

static const struct field overhead_fields[] = {
    NODE(overhead_file, logic, NULL, "of MACs, vector units, registers, register files, networks; 1"),
    NODE(overhead_file, sram, NULL, "of levels of class sram; 1"),
};
const struct schema overhead_schema = SCHEMA("overhead", overhead_fields);

static const struct field mac_fields[] = {
    NODE(mac_file, kind, NULL, "fixed, decomposable or bit_serial, or a choice parameter; fixed"),
    NODE(mac_file, w_bits, NULL, "widest weight"),
    NODE(mac_file, a_bits, NULL, "widest activation"),
    NODE(mac_file, acc_bits, NULL, "partial sum"),
    NODE(mac_file, gate, NULL, "operands of which a zero saves the product's energy: weights, inputs"),
    NODE(mac_file, skip, NULL, "operands of which a zero saves the product's time too, and its accesses"),
};
const struct schema mac_schema = SCHEMA("mac", mac_fields);

static const struct field vector_fields[] = {
    NODE(vector_file, lanes, NULL, "operations each cycle and core"),
};
const struct schema vector_schema = SCHEMA("vector", vector_fields);

static const struct field spatial_fields[] = {
    NODE(spatial_file, x, NULL, "dimensions that may be unrolled over x: a list, or any"),
    NODE(spatial_file, y, NULL, "likewise over y"),
};
const struct schema spatial_schema = SCHEMA("spatial unrolling", spatial_fields);

static const struct field dataflow_fields[] = {
    NODE(dataflow_file, spatial, &spatial_schema,
         "for each level, what its fan-out may unroll; a level not named: anything"),
    {.key = "stationary",
     .type = FIELD_CHOICE,
     .offset = offsetof(struct dataflow_file, stationary),
     .choices = stationary_names,
     .help = "tensor that stays in the innermost level"},
};
const struct schema dataflow_schema = SCHEMA("dataflow", dataflow_fields);

static const struct field template_fields[] = {
    {.key = "template",
     .type = FIELD_NAME,
     .offset = offsetof(struct template_file, template),
     .required = true,
     .help = "its name"},
    {.key = "extends",
     .type = FIELD_STRING,
     .offset = offsetof(struct template_file, extends),
     .help = "template that this one changes: parameters are added or overridden one "
             "by one, other keys replaced"},
    {.key = "summary", .type = FIELD_STRING, .offset = offsetof(struct template_file, summary), .help = "one line"},
    NODE(template_file, parameters, &param_schema, "name: {type, default, range or values, help}"),
    NODE(template_file, technology, NULL, "a row of hw/technology/nodes.csv, or a choice parameter"),
    NODE(template_file, clock, NULL, "of the whole chip"),
    NODE(template_file, voltage, NULL, "supply; without: the lowest legal one that meets the clock"),
    NODE(template_file, overhead, &overhead_schema,
         "placed silicon over the sum of component areas (control, clock tree, "
         "channels, test); 1"),
    NODE(template_file, levels, &level_schema, "storage, outermost first"),
    NODE(template_file, mac, &mac_schema, "multiply-accumulate unit"),
    NODE(template_file, vector, &vector_schema, "unit of each core for what no array runs"),
    NODE(template_file, dataflows, &dataflow_schema, "name: {spatial, stationary}"),
    NODE(template_file, dataflow, NULL, "the one in use, or a choice parameter; the first"),
};
const struct schema template_file_schema = SCHEMA("template", template_fields);

const struct schema *const *template_schemas(int *n)
{
    static const struct schema *const all[] = {
        &template_file_schema, &param_schema, &level_schema,  &bandwidth_schema, &fanout_schema,
        &overhead_schema,      &mac_schema,   &vector_schema, &dataflow_schema,  &spatial_schema};
    *n = (int)(sizeof all / sizeof *all);
    return all;
}

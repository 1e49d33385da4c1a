# Dovetail. `make demo` and `make check` are the two commands; `make help` lists the rest.
# Variants live side by side in build/<variant>/: release (default), asan, tsan, debug.

VERSION := 0.1.0
VARIANT ?= release
CC ?= gcc
ifeq ($(origin CC),default)
CC := gcc
endif
B := build/$(VARIANT)

LAYERS := base hw sw costmodel search db experiments
PKGS := libfyaml jansson gsl sqlite3 libxxhash
# Expanded when first used, after `deps` may have installed them.
PKG_CFLAGS = $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
# GSL on OpenBLAS: `pkg-config --libs gsl` would bind gslcblas, 11 times slower at n = 1000.
PKG_LIBS = $(shell pkg-config --libs libfyaml jansson sqlite3 libxxhash 2>/dev/null) -lgsl -lopenblas -lnlopt -lm

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wvla -Wstrict-prototypes -Wmissing-prototypes \
	-Wwrite-strings -Wcast-qual -Wformat=2 -Wdouble-promotion
WERROR ?= -Werror
OPT_release := -O2 -g
OPT_debug := -O0 -g3
OPT_asan := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
OPT_tsan := -O1 -g -fsanitize=thread
CFLAGS ?= $(OPT_$(VARIANT))
ALL_CFLAGS = -std=c11 -D_GNU_SOURCE -ffp-contract=off -fPIC -fopenmp -I. -I$(B) $(WARN) $(WERROR) $(CFLAGS) $(PKG_CFLAGS)

LIB_SRC := $(foreach l,$(LAYERS),$(wildcard $(l)/*.c))
CLI_SRC := $(wildcard cli/*.c)
TEST_SRC := $(wildcard tests/test_*.c)
TEST_LIB_SRC := $(filter-out $(TEST_SRC),$(wildcard tests/*.c))
DATA := $(sort $(wildcard hw/templates/*.yaml hw/technology/* sw/models/*.yaml sw/accuracy/*.csv experiments/studies/*.yaml))

LIB_OBJ := $(LIB_SRC:%.c=$(B)/%.o) $(B)/embedded.o
CLI_OBJ := $(CLI_SRC:%.c=$(B)/%.o)
TEST_LIB_OBJ := $(TEST_LIB_SRC:%.c=$(B)/%.o)
TESTS := $(TEST_SRC:tests/%.c=$(B)/tests/%)

.PHONY: all
all: $(B)/dovetail

$(B)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# Data files travel inside the binary (base/embed.h).
$(B)/embedded.S: $(DATA) base/embed.sh
	@mkdir -p $(@D)
	sh base/embed.sh $(DATA) > $@
$(B)/embedded.o: $(B)/embedded.S
	$(CC) -c -o $@ $<

$(B)/libdovetail.a: $(LIB_OBJ)
	@rm -f $@
	ar rcs $@ $^

$(B)/dovetail: $(CLI_OBJ) $(B)/libdovetail.a
	$(CC) $(ALL_CFLAGS) -o $@ $^ $(LDFLAGS) $(PKG_LIBS)

$(B)/tests/%: $(B)/tests/%.o $(TEST_LIB_OBJ) $(B)/libdovetail.a
	$(CC) $(ALL_CFLAGS) -o $@ $^ $(LDFLAGS) $(shell pkg-config --libs check) $(PKG_LIBS)

.SECONDARY:
-include $(LIB_OBJ:.o=.d) $(CLI_OBJ:.o=.d) $(TEST_LIB_OBJ:.o=.d) $(TESTS:%=%.d)

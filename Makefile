# Dovetail. `make demo` and `make check` are the two commands; `make help` lists the rest.
#
# Variants live side by side in build/<variant>/: release (default), debug, asan, asan-clang, tsan, clang.
# A new .c file in a layer, in cli/ or in tests/ is found by itself. Everything that needs a package is
# expanded when first used, and `demo`, `check` and `lint` call make again after installing packages, so
# that one command works on a machine that has only git, make and gcc.

VERSION := 0.1.0
VARIANT ?= release
MPICC ?= mpicc
CC ?= gcc
ifeq ($(origin CC),default)
CC := gcc
endif
B := build/$(VARIANT)

# As many jobs as processors; a -j on the command line wins.
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(shell nproc 2>/dev/null || echo 2) --no-print-directory
endif
# Short lines; V=1 shows the commands.
ifeq ($(V),)
Q := @
say = @printf '  %-6s %s\n' $(1) $(2)
endif

LAYERS := base hw sw costmodel search db experiments
PKGS := libfyaml jansson gsl sqlite3 libxxhash libprotobuf-c
# PKG_x = $(eval ...) asks pkg-config once, at the first use.
PKG_CFLAGS = $(eval PKG_CFLAGS := $$(shell pkg-config --cflags $(PKGS) 2>/dev/null))$(PKG_CFLAGS)
# GSL on OpenBLAS: `pkg-config --libs gsl` would bind gslcblas, 11 times slower at n = 1000.
PKG_LIBS = $(eval PKG_LIBS := $$(shell pkg-config --libs libfyaml jansson sqlite3 libxxhash libprotobuf-c 2>/dev/null) \
	-lgsl -lopenblas -lnlopt -lm)$(PKG_LIBS)
CHECK_LIBS = $(eval CHECK_LIBS := $$(shell pkg-config --libs check 2>/dev/null))$(CHECK_LIBS)

# A row of a table names what it sets, the rest is zero on purpose. clang dislikes assert(!"why"), and INFINITY,
# which is a float to it: gcc watches over promotions.
WARN := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wvla -Wstrict-prototypes -Wmissing-prototypes \
	-Wwrite-strings -Wcast-qual -Wformat=2 -Wdouble-promotion \
	-Wno-missing-field-initializers -Wno-string-conversion $(if $(findstring clang,$(CC)),-Wno-double-promotion)
# Warnings are errors with the compilers that we test with. What a newer one has learnt to warn about is
# for us to mend, not for a user to stumble on.
TESTED_COMPILERS := gcc-12 clang-14
# Only at the optimization that lint uses: gcc sees other things with -O0 and -fsanitize.
WERROR = $(eval WERROR := $(if $(filter release clang,$(VARIANT)),$(if $(filter $(COMPILER),$(TESTED_COMPILERS)),-Werror)))$(WERROR)
COMPILER = $(shell $(CC) -dM -E -x c /dev/null 2>/dev/null | \
	awk '/__clang_major__/ {c = $$3} /__GNUC__/ {g = $$3} END {print c ? "clang-" c : "gcc-" g}')

SANITIZE := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
OPT_release := -O2 -g
OPT_debug := -O0 -g3
OPT_asan := $(SANITIZE)
OPT_asan-clang := $(SANITIZE)
OPT_tsan := -O1 -g -fsanitize=thread
OPT_clang := -O1 -g
OPT_fuzz := -O2 -g -fsanitize=address,undefined,fuzzer-no-link -fno-omit-frame-pointer
CFLAGS ?= $(OPT_$(VARIANT))
ALL_CFLAGS = -std=c11 -D_GNU_SOURCE -ffp-contract=off -fPIC -fopenmp -I. -I$(B) $(WARN) $(WERROR) $(CFLAGS) $(PKG_CFLAGS)

LIB_SRC := $(sort $(foreach l,$(LAYERS),$(wildcard $(l)/*.c)))
CLI_SRC := $(sort $(wildcard cli/*.c))
TEST_SRC := $(sort $(wildcard tests/test_*.c))
BENCH_SRC := $(sort $(wildcard tests/bench_*.c))
REPORT_SRC := $(sort $(wildcard tests/report_*.c))
FUZZ_SRC := $(sort $(wildcard tests/fuzz_*.c))
TEST_LIB_SRC := $(filter-out $(TEST_SRC) $(BENCH_SRC) $(REPORT_SRC) $(FUZZ_SRC),$(sort $(wildcard tests/*.c)))
HEADERS := $(sort $(foreach l,$(LAYERS) cli tests,$(wildcard $(l)/*.h))) $(wildcard experiments/mpi/*.h)
EXTENSION_SRC := db/loadable/extension.c
MPI_SRC := $(wildcard experiments/mpi/*.c cli/mpi/*.c)
MPI_TEST_SRC := $(wildcard tests/cluster/*.c)
SOURCES := $(LIB_SRC) $(EXTENSION_SRC) $(MPI_SRC) $(MPI_TEST_SRC) $(CLI_SRC) $(TEST_SRC) $(BENCH_SRC) $(REPORT_SRC) $(FUZZ_SRC) $(TEST_LIB_SRC)
DATA := $(sort $(wildcard costmodel/*.csv hw/templates/*.yaml hw/technology/* sw/models/*.yaml sw/accuracy/*.csv experiments/studies/*.yaml))

LIB_OBJ := $(LIB_SRC:%.c=$(B)/%.o) $(B)/embedded.o $(B)/onnx.pb-c.o
CLI_OBJ := $(CLI_SRC:%.c=$(B)/%.o)
TEST_LIB_OBJ := $(TEST_LIB_SRC:%.c=$(B)/%.o)
TESTS := $(TEST_SRC:%.c=$(B)/%)
BENCHES := $(BENCH_SRC:%.c=$(B)/%)
REPORTS := $(REPORT_SRC:%.c=$(B)/%)
FUZZERS := $(FUZZ_SRC:%.c=$(B)/%)
MPI_OBJ := $(MPI_SRC:%.c=$(B)/%.o)
MPI_TESTS := $(MPI_TEST_SRC:%.c=$(B)/%)
MPI_PROGRAM := $(if $(shell command -v $(MPICC)),$(B)/dovetail-mpi)
PROGRAM := $(if $(CLI_SRC),$(B)/dovetail) $(MPI_PROGRAM)
RERUN := +@$(MAKE)

.PHONY: all programs
all: $(PROGRAM) $(B)/libdovetail.a $(B)/dovetail.so
programs: all $(TESTS) $(BENCHES) $(REPORTS) $(if $(MPI_PROGRAM),$(MPI_TESTS))

# Other flags, other objects.
$(B)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(CC) $(ALL_CFLAGS)' | cmp -s - $@ || echo '$(CC) $(ALL_CFLAGS)' > $@

$(B)/%.o: %.c $(B)/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(ALL_CFLAGS) $(EXTRA_CFLAGS) -MMD -MP -c -o $@ $<

# Data files travel inside the binary (base/embed.h). The list is a prerequisite too: a removed file counts.
$(B)/embedded.list: FORCE
	@mkdir -p $(@D)
	@echo '$(DATA)' | cmp -s - $@ || echo '$(DATA)' > $@
$(B)/embedded.S: $(DATA) $(B)/embedded.list base/embed.sh
	@mkdir -p $(@D)
	$(call say,EMBED,'$(words $(DATA)) data files')
	$(Q)sh base/embed.sh $(DATA) > $@
$(B)/embedded.o: $(B)/embedded.S
	$(Q)$(CC) -c -o $@ $<

# Readers of ONNX's messages, generated from the onnx.proto that libonnx-dev installs.
ONNX_PROTO := $(firstword $(wildcard /usr/include/onnx/onnx.proto /usr/local/include/onnx/onnx.proto) /usr/include/onnx/onnx.proto)
$(B)/onnx.pb-c.h: $(ONNX_PROTO)
	@mkdir -p $(@D)
	$(call say,PROTO,$<)
	$(Q)protoc-c --proto_path=$(dir $<) --c_out=$(@D) $(notdir $<)
$(B)/onnx.pb-c.o: $(B)/onnx.pb-c.h
	$(Q)$(CC) $(filter-out $(WARN) -Werror,$(ALL_CFLAGS)) -c -o $@ $(B)/onnx.pb-c.c
$(patsubst %.c,$(B)/%.o,$(wildcard sw/*onnx*.c tests/*onnx*.c tests/test_quantization.c)): $(B)/onnx.pb-c.h

# The version and the commit, for base/version.c alone: written only when they change.
$(B)/build_stamp.h: FORCE
	@mkdir -p $(@D)
	@{ echo '#define BUILD_VERSION "$(VERSION)"'; \
	   echo "#define BUILD_COMMIT \"$$(git describe --always --dirty --exclude='*' 2>/dev/null)\""; } > $@.new; \
	if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi
$(B)/base/version.o: $(B)/build_stamp.h

$(B)/libdovetail.a: $(LIB_OBJ)
	$(call say,AR,$@)
	@rm -f $@
	$(Q)ar rcs $@ $^

SONAME := libdovetail.so.$(firstword $(subst ., ,$(VERSION)))
$(B)/libdovetail.so.$(VERSION): $(LIB_OBJ)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_CFLAGS) -shared -Wl,-soname,$(SONAME) -Wl,-z,defs -o $@ $^ $(LDFLAGS) $(PKG_LIBS)

# What sqlite3 loads (docs/database.md); it calls SQLite through the program that loads it.
$(B)/dovetail.so: $(EXTENSION_SRC:%.c=$(B)/%.o) $(B)/db/db_front.o $(B)/base/mem.o $(B)/base/strbuf.o
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_CFLAGS) -shared -o $@ $^ $(LDFLAGS) -lm

$(B)/dovetail: $(CLI_OBJ) $(B)/libdovetail.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_CFLAGS) -o $@ $^ $(LDFLAGS) $(PKG_LIBS)

# dovetail-mpi: the same program with the ranks of an MPI job as workers (docs/clusters.md). Built where there is an MPI compiler wrapper; the
# wrapper's words are asked for once, its headers count as the system's.
MPI_SHOW = $(eval MPI_SHOW := $$(shell $(MPICC) -show 2>/dev/null))$(MPI_SHOW)
MPI_CFLAGS = $(patsubst -I%,-isystem%,$(filter -I% -D%,$(MPI_SHOW)))
MPI_LIBS = $(filter -L% -l% -Wl%,$(MPI_SHOW))
$(MPI_OBJ) $(MPI_OBJ:.o=.tidy) $(MPI_TESTS:%=%.o): EXTRA_CFLAGS = $(MPI_CFLAGS)
$(B)/dovetail-mpi: $(filter-out $(B)/cli/main.o,$(CLI_OBJ)) $(MPI_OBJ) $(B)/libdovetail.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_CFLAGS) -o $@ $^ $(LDFLAGS) $(PKG_LIBS) $(MPI_LIBS)
$(MPI_TESTS): $(B)/%: $(B)/%.o $(filter $(B)/experiments/%,$(MPI_OBJ)) $(B)/libdovetail.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_CFLAGS) -o $@ $^ $(LDFLAGS) $(PKG_LIBS) $(MPI_LIBS)

$(B)/tests/fuzz_%: $(B)/tests/fuzz_%.o $(B)/libdovetail.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_CFLAGS) -fsanitize=fuzzer -o $@ $^ $(LDFLAGS) $(PKG_LIBS)

$(B)/tests/%: $(B)/tests/%.o $(TEST_LIB_OBJ) $(B)/libdovetail.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_CFLAGS) -o $@ $^ $(LDFLAGS) $(CHECK_LIBS) $(PKG_LIBS)

# ---- what a person asks for

.PHONY: help deps deps-cluster mpi demo check run-tests check-cluster run-cluster validation run-validation bench run-bench bench-search lint run-lint asan tsan run-tsan fuzz run-fuzz torture clean
help:
	@echo 'make               build/release/dovetail and libdovetail.a (VARIANT=debug|asan|tsan|clang, V=1: show commands)'
	@echo 'make demo          packages, build, a co-design study of under a minute, its Pareto front; again: resumes'
	@echo 'make check         packages, build, every test; the last line counts them'
	@echo 'make check-cluster what needs MPI or Slurm: tests/cluster, on this machine; installs both (make deps-cluster)'
	@echo 'make deps          install what building needs (apt; elsewhere: prints the list)'
	@echo 'make bench         the measurements of tests/bench_*.c'
	@echo 'make bench-search  the search against other optimizers: 23 problems, 3 budgets, 11 seeds (some 20 minutes of two idle cores)'
	@echo 'make validation    docs/validation.md: its tables by the programs that measure them; ONLY="eyeriss cim": only these'
	@echo 'make lint          layers, words, format, gcc and clang warnings, clang-tidy; make format mends the format'
	@echo 'make asan | tsan   the tests under address+undefined / thread sanitizers'
	@echo 'make fuzz          tests/fuzz_*.c, FUZZ_TIME=30 seconds each'
	@echo 'make torture       kill -9 over runs of every algorithm, TORTURE_N=20 times, and resume'
	@echo 'make install       PREFIX=/usr/local DESTDIR=: program, libraries, headers, man page, completions, templates'
	@echo 'make clean         remove build/'

deps:
	@CC='$(CC)' sh .ci/deps build
deps-cluster:
	@CC='$(CC)' sh .ci/deps build cluster
# Where mpicc is found, plain `make` builds it too.
mpi:
	$(RERUN) $(B)/dovetail-mpi

demo:
	@CC='$(CC)' sh .ci/deps build
	$(RERUN) all
	@$(B)/dovetail search experiments/studies/demo.yaml

check:
	@CC='$(CC)' sh .ci/deps build
	$(RERUN) run-tests
run-tests: all $(TESTS)
	@DOVETAIL=$(B)/dovetail sh tests/run_tests.sh $(B) $(TESTS) $(sort $(wildcard tests/test_*.sh))

# The programs of the sections that the document has.
VALIDATION = $(shell sed -n 's/^<!-- begin \([a-z0-9_]*\) -->$$/\1/p' docs/validation.md 2>/dev/null)
VALIDATED = $(foreach n,$(or $(ONLY),$(VALIDATION)),\
	$(firstword $(foreach k,report bench test,$(patsubst %.c,$(B)/%,$(wildcard tests/$(k)_$(n).c)))))
validation:
	@CC='$(CC)' sh .ci/deps build
	$(RERUN) run-validation
run-validation: $(VALIDATED)
	@sh tests/validation.sh $(B) docs/validation.md $(ONLY)

# MPI and Slurm on this machine (docs/clusters.md): make check needs neither.
CLUSTER_TESTS := $(sort $(wildcard tests/cluster/test_*.sh))
check-cluster: deps-cluster
	$(RERUN) run-cluster
run-cluster: all $(MPI_TESTS)
	@DOVETAIL=$(B)/dovetail BUILD=$(B) sh tests/run_tests.sh $(B) $(CLUSTER_TESTS)

bench-search:
	@CC='$(CC)' sh .ci/deps build
	$(RERUN) $(B)/tests/bench_search
	@$(B)/tests/bench_search -b 200,1000,10000 -s 11

bench:
	@CC='$(CC)' sh .ci/deps build
	$(RERUN) run-bench
run-bench: all $(BENCHES)
	@for b in $(BENCHES); do echo "== $${b##*/}"; $$b || exit 1; done

# Each sanitizer's build is a variant of its own, so that none throws another's objects away.
asan:
	@CC='$(CC)' sh .ci/deps build lint
	$(RERUN) run-tests VARIANT=asan CC=gcc
	$(RERUN) run-tests VARIANT=asan-clang CC=clang
# gcc's thread sanitizer gives false alarms on libgomp; clang's knows OpenMP through archer.
tsan:
	@CC='$(CC)' sh .ci/deps build lint
	+@TSAN_OPTIONS=ignore_noninstrumented_modules=1 $(MAKE) run-tests VARIANT=tsan CC=clang

FUZZ_TIME ?= 30
fuzz:
	@CC='$(CC)' sh .ci/deps build lint
	$(RERUN) run-fuzz VARIANT=fuzz CC=clang
run-fuzz: $(FUZZERS)
	@for f in $(FUZZERS); do \
	    echo "== $${f##*/} ($(FUZZ_TIME) s)"; mkdir -p $$f.corpus; \
	    (cd $$f.corpus && cp -u $(addprefix $(CURDIR)/,$(DATA)) .) || exit 1; \
	    $$f -max_total_time=$(FUZZ_TIME) -max_len=20000 -print_final_stats=1 \
	        -artifact_prefix=$$f. $$f.corpus $$(ls -d tests/fuzz/$${f##*/fuzz_} 2>/dev/null) 2> $$f.log || { tail -40 $$f.log; exit 1; }; \
	    grep number_of_executed_units $$f.log; done

TORTURE_N ?= 20
torture: all
	@DOVETAIL=$(B)/dovetail sh tests/torture_resume.sh $(TORTURE_N)

# ---- lint: each check prints what it looked at; tidy runs a file at a time and only on what changed

lint:
	@CC='$(CC)' sh .ci/deps build lint
	$(RERUN) run-lint
run-lint: lint-source lint-format lint-gcc lint-clang lint-tidy
	@echo 'lint: all passed'

.PHONY: format lint-source lint-format lint-gcc lint-clang lint-tidy
lint-source:
	@sh tests/lint_source.sh
lint-format:
	@bad=0; for f in $(SOURCES) $(HEADERS); do \
	    clang-format $$f | cmp -s - $$f || { echo "$$f:1: not as clang-format writes it (make format)"; bad=1; }; done; \
	[ $$bad = 0 ] && echo 'format: $(words $(SOURCES) $(HEADERS)) files passed'
format:
	clang-format -i $(SOURCES) $(HEADERS)
lint-gcc:
	$(RERUN) programs VARIANT=release CC=gcc WERROR=-Werror
	@echo 'gcc: $(words $(SOURCES)) files without a warning'
lint-clang:
	$(RERUN) objects VARIANT=clang CC=clang WERROR=-Werror
	@echo 'clang: $(words $(SOURCES)) files without a warning'
lint-tidy: lint-clang
	$(RERUN) run-tidy VARIANT=clang CC=clang
	@echo 'clang-tidy: $(words $(LIB_SRC) $(CLI_SRC)) files passed'

.PHONY: objects run-tidy
objects: $(filter-out $(if $(MPI_PROGRAM),,$(MPI_OBJ) $(MPI_TESTS:%=%.o)),$(SOURCES:%.c=$(B)/%.o))
# Without the analyzer's core checks: the paths that they see through numerical code are mostly impossible ones. Nor its MPI checks: they want a
# request's wait in the function that sends.
TIDY_CHECKS := -*,bugprone-*,clang-analyzer-*,-clang-analyzer-core*,-clang-analyzer-optin.mpi*,misc-redundant-expression,misc-unused-parameters,readability-misleading-indentation,readability-redundant-declaration,performance-*,portability-*,-bugprone-easily-swappable-parameters,-bugprone-narrowing-conversions,-bugprone-macro-parentheses,-bugprone-suspicious-memory-comparison,-bugprone-integer-division,-bugprone-branch-clone,-bugprone-suspicious-missing-comma,-bugprone-suspicious-string-compare,-bugprone-misplaced-widening-cast,-performance-no-int-to-ptr,-bugprone-sizeof-expression,-bugprone-implicit-widening-of-multiplication-result,-bugprone-reserved-identifier,-clang-analyzer-security.insecureAPI.DeprecatedOrUnsafeBufferHandling,-clang-analyzer-security.insecureAPI.strcpy,-clang-analyzer-deadcode.DeadStores
$(B)/%.tidy: %.c $(B)/%.o
	$(call say,TIDY,$<)
	$(Q)clang-tidy --quiet --warnings-as-errors='*' --checks='$(TIDY_CHECKS)' $< -- \
	    $(filter-out -W%,$(ALL_CFLAGS)) $(EXTRA_CFLAGS) > $@.log 2>&1 || { cat $@.log; exit 1; }
	@touch $@
TIDY_SRC := $(LIB_SRC) $(CLI_SRC) $(if $(MPI_PROGRAM),$(MPI_SRC))
run-tidy: $(TIDY_SRC:%.c=$(B)/%.tidy)

# ---- install

PREFIX ?= /usr/local
BINDIR = $(DESTDIR)$(PREFIX)/bin
LIBDIR = $(DESTDIR)$(PREFIX)/lib
INCDIR = $(DESTDIR)$(PREFIX)/include
SHAREDIR = $(DESTDIR)$(PREFIX)/share
# What the umbrella header reaches.
PUBLIC_HEADERS = $(filter %.h,$(shell $(CC) -I. -MM -x c experiments/dovetail.h | tr -d '\\'))

.PHONY: install
install: all $(B)/libdovetail.so.$(VERSION)
	install -d $(BINDIR) $(LIBDIR)/pkgconfig $(INCDIR) $(SHAREDIR)/man/man1 $(SHAREDIR)/dovetail \
	    $(SHAREDIR)/bash-completion/completions $(SHAREDIR)/zsh/site-functions $(SHAREDIR)/fish/vendor_completions.d
	install -m 755 $(PROGRAM) $(BINDIR)
	install -m 644 $(B)/libdovetail.a $(LIBDIR)/libdovetail.a
	install -m 755 $(B)/libdovetail.so.$(VERSION) $(LIBDIR)/
	ln -sf libdovetail.so.$(VERSION) $(LIBDIR)/$(SONAME)
	ln -sf $(SONAME) $(LIBDIR)/libdovetail.so
	install -d $(LIBDIR)/dovetail
	install -m 755 $(B)/dovetail.so $(LIBDIR)/dovetail/dovetail.so
	@# Our headers include each other from the root of the tree; installed, from dovetail/.
	for h in $(PUBLIC_HEADERS); do \
	    install -d $(INCDIR)/dovetail/$$(dirname $$h) && \
	    sed 's|^#include "|&dovetail/|' $$h > $(INCDIR)/dovetail/$$h || exit 1; done
	mv $(INCDIR)/dovetail/experiments/dovetail.h $(INCDIR)/dovetail.h
	install -m 644 experiments/dovetail_evaluator.h $(INCDIR)/dovetail_evaluator.h
	printf '%s\n' 'prefix=$(PREFIX)' 'Name: dovetail' 'Description: hardware-software co-design search' \
	    'Version: $(VERSION)' 'Requires.private: libfyaml jansson sqlite3 libxxhash' \
	    'Libs: -L$${prefix}/lib -ldovetail' 'Libs.private: -lgsl -lopenblas -lnlopt -lm -fopenmp' \
	    'Cflags: -I$${prefix}/include' > $(LIBDIR)/pkgconfig/dovetail.pc
	$(B)/dovetail help --man > $(SHAREDIR)/man/man1/dovetail.1
	$(B)/dovetail completion bash > $(SHAREDIR)/bash-completion/completions/dovetail
	$(B)/dovetail completion zsh > $(SHAREDIR)/zsh/site-functions/_dovetail
	$(B)/dovetail completion fish > $(SHAREDIR)/fish/vendor_completions.d/dovetail.fish
	for d in $(DATA); do install -d $(SHAREDIR)/dovetail/$$(dirname $$d) && \
	    install -m 644 $$d $(SHAREDIR)/dovetail/$$d || exit 1; done

clean:
	rm -rf build

.PHONY: FORCE
FORCE:
.SECONDARY:
.DELETE_ON_ERROR:
-include $(MPI_OBJ:.o=.d) $(MPI_TESTS:%=%.d) $(REPORTS:%=%.d) $(LIB_OBJ:.o=.d) $(EXTENSION_SRC:%.c=$(B)/%.d) $(CLI_OBJ:.o=.d) $(TEST_LIB_OBJ:.o=.d) $(TESTS:%=%.d) $(BENCHES:%=%.d) $(FUZZERS:%=%.d)

/* Everything that libdovetail offers, in one header; what is not reached from here is private. Installed as <dovetail.h>,
 * the parts under <dovetail/...>; flags from `pkg-config dovetail`. Start reading with study.h, evaluator.h and runner.h;
 * search.h and db.h serve without the rest. */
#ifndef EXPERIMENTS_DOVETAIL_H
#define EXPERIMENTS_DOVETAIL_H

#include "base/diag.h"
#include "base/doc.h"
#include "base/embed.h"
#include "base/err.h"
#include "base/expr.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/schema.h"
#include "base/strbuf.h"
#include "base/units.h"
#include "base/version.h"
#include "costmodel/cost.h"
#include "costmodel/mapper.h"
#include "costmodel/mapping.h"
#include "costmodel/memo.h"
#include "costmodel/network_cost.h"
#include "db/db.h"
#include "experiments/evaluator.h"
#include "experiments/metrics.h"
#include "experiments/pick.h"
#include "experiments/record.h"
#include "experiments/runner.h"
#include "experiments/study.h"
#include "hw/accelerator.h"
#include "hw/component.h"
#include "hw/technology.h"
#include "hw/template.h"
#include "search/dominance.h"
#include "search/hypervolume.h"
#include "search/search.h"
#include "search/space.h"
#include "sw/accuracy.h"
#include "sw/einsum.h"
#include "sw/import.h"
#include "sw/network.h"

#endif

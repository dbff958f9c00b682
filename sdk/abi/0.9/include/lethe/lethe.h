/* SPDX-License-Identifier: Apache-2.0
 *
 * lethe/lethe.h - everything. Start reading at base.h, then plugin.h, then the header of your role.
 */
#ifndef LETHE_H
#define LETHE_H

#include "base.h"
#include "host.h"
#include "core.h"
#include "tensors.h"
#include "ops.h"
#include "aten.h"
#include "dlpack.h"
#include "autograd.h"
#include "rng.h"
#include "model.h"
#include "task.h"
#include "diffusion.h"
#include "evaluate.h"
#include "objective.h"
#include "reweighter.h"
#include "mask.h"
#include "updater.h"
#include "data.h"
#include "artifact.h"
#include "procedure.h"
#include "metric.h"
#include "plugin.h"
#include "manifest.h"
#include "helpers.h"

#endif

// SPDX-License-Identifier: Apache-2.0
//
// lethe/lethe.hpp - the C++ kit: everything. A method is a class, an error is an exception, a tensor is a value. C++17,
// headers only; it needs the C headers beside it and the standard library. Start reading at strategy.hpp.
#ifndef LETHE_HPP
#define LETHE_HPP

#include <lethe/call.hpp>
#include <lethe/diffusion.hpp>
#include <lethe/failure.hpp>
#include <lethe/functions.hpp>
#include <lethe/lethe.h>
#include <lethe/metric.hpp>
#include <lethe/model.hpp>
#include <lethe/operator.hpp>
#include <lethe/plugin.hpp>
#include <lethe/procedure.hpp>
#include <lethe/services.hpp>
#include <lethe/state.hpp>
#include <lethe/step.hpp>
#include <lethe/strategy.hpp>
#include <lethe/tensor.hpp>

#endif

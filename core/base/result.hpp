// SPDX-License-Identifier: MIT
// The one result type: a value, or an Error. Exceptions are for bugs and exhausted memory.
#pragma once

#include <boost/outcome/basic_result.hpp>
#include <utility>

#include "core/base/error.hpp"

namespace memoria {

/// A T or an Error. Reading the side that is not there ends the process: it is a bug.
template <class T>
using Result =
    BOOST_OUTCOME_V2_NAMESPACE::basic_result<T, Error,
                                             BOOST_OUTCOME_V2_NAMESPACE::policy::terminate>;

using Status = Result<void>;

/// The success value of a Status.
inline BOOST_OUTCOME_V2_NAMESPACE::success_type<void> ok() {
  return BOOST_OUTCOME_V2_NAMESPACE::success();
}

}  // namespace memoria

// Boost 1.74's own TRY cannot take a declaration, hence ours.
#define MEMORIA_TRY_NAME2(a, b) a##b
#define MEMORIA_TRY_NAME(a, b) MEMORIA_TRY_NAME2(a, b)
#define MEMORIA_TRY_RUN(r, ...) \
  if (auto r = (__VA_ARGS__); !r.has_value()) return std::move(r).error()
#define MEMORIA_TRY_DECLARE(r, declaration, ...)   \
  auto r = (__VA_ARGS__);                          \
  if (!r.has_value()) return std::move(r).error(); \
  declaration = std::move(r).value()
#define MEMORIA_TRY_ONE(...) MEMORIA_TRY_RUN(MEMORIA_TRY_NAME(try_, __COUNTER__), __VA_ARGS__)
#define MEMORIA_TRY_MORE(...) MEMORIA_TRY_DECLARE(MEMORIA_TRY_NAME(try_, __COUNTER__), __VA_ARGS__)
#define MEMORIA_TRY_PICK(a, b, c, d, e, f, g, h, picked, ...) picked

/// `MEMORIA_TRY(auto x, expression)` or `MEMORIA_TRY(expression)`: the value, or return the error.
#define MEMORIA_TRY(...)                                                                   \
  MEMORIA_TRY_PICK(__VA_ARGS__, MEMORIA_TRY_MORE, MEMORIA_TRY_MORE, MEMORIA_TRY_MORE,      \
                   MEMORIA_TRY_MORE, MEMORIA_TRY_MORE, MEMORIA_TRY_MORE, MEMORIA_TRY_MORE, \
                   MEMORIA_TRY_ONE, )                                                      \
  (__VA_ARGS__)

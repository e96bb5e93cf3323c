// SPDX-License-Identifier: MIT
// The one result type: a value, or an Error. Exceptions are for bugs and exhausted memory.
#pragma once

#include <boost/outcome/basic_result.hpp>
#include <boost/outcome/try.hpp>

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

/// `MEMORIA_TRY(auto x, expression)` or `MEMORIA_TRY(expression)`: the value, or return the error.
#define MEMORIA_TRY(...) BOOST_OUTCOME_TRY(__VA_ARGS__)

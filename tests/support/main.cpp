// SPDX-License-Identifier: MIT
#define BOOST_TEST_MODULE memoria
#include <boost/test/unit_test.hpp>

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""python3 tests/mount/semantics DIRECTORY [MODULE...]: what system calls have to do in an empty
directory of any good filesystem. Passes on ext4, too, but for the large extended attribute."""
import sys
import unittest

from support import Case

MODULES = ("names", "life", "contents", "attributes", "directories", "locks", "watching")

Case.root = sys.argv.pop(1)
suite = unittest.TestSuite(unittest.defaultTestLoader.loadTestsFromName(module)
                           for module in MODULES if not sys.argv[1:] or module in sys.argv[1:])
sys.exit(not unittest.TextTestRunner().run(suite).wasSuccessful())

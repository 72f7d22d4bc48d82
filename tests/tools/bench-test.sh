#!/bin/sh
# SPDX-License-Identifier: MIT
# Tests the functions of bench/compare that measure nothing.
srcdir=${srcdir:-.}
exec perl "$srcdir/tests/tools/bench-test.pl"

"""Lets tests import what scripts in bench/ import: their own folder comes last, as theirs comes first."""

import sys

from tests.tidy.tree import ROOT

sys.path.append(str(ROOT / "bench"))

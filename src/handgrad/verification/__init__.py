"""Every gradient checked from outside: finite differences, complex steps, and PyTorch where it is."""

from handgrad.verification.verifying import Verification as Verification
from handgrad.verification.verifying import verify as verify

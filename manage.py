#!/usr/bin/env python3
"""Django's command line for Jobsite."""

import os
import sys

from django.core.management import execute_from_command_line

from jobsite.seclusion import seclude

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "jobsite.settings")
    seclude()
    execute_from_command_line(sys.argv)

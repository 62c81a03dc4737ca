"""Slips in training code that its text shows: notebooks and scripts are read, never run."""

from headstart.audit.audit import Audit as Audit
from headstart.audit.audit import Finding as Finding
from headstart.audit.audit import audit_file as audit_file

"""The engine: load, run, reopen. What everything above it calls."""

from headstart.flow.engine import Done as Done
from headstart.flow.engine import Planned as Planned
from headstart.flow.engine import default_workers as default_workers
from headstart.flow.engine import plan_of as plan_of
from headstart.flow.engine import run as run
from headstart.flow.engine import save_study as save_study
from headstart.flow.load import Changes as Changes
from headstart.flow.load import Loaded as Loaded
from headstart.flow.load import find_study as find_study
from headstart.flow.load import load as load
from headstart.flow.load import recipe as recipe
from headstart.flow.load import recipes as recipes
from headstart.flow.load import warnings as warnings
from headstart.flow.load import with_facts as with_facts
from headstart.flow.older import older_results as older_results
from headstart.flow.reopen import cost_of_run as cost_of_run
from headstart.flow.reopen import need_store as need_store
from headstart.flow.reopen import progress as progress
from headstart.flow.reopen import reopen as reopen
from headstart.flow.reopen import report_again as report_again
from headstart.flow.study import Study as Study
from headstart.flow.study import load_study as load_study
from headstart.flow.validate import STUDIES as STUDIES
from headstart.flow.validate import Validated as Validated
from headstart.flow.validate import validate as validate

"""Contact sheet of a data set as a page."""

from pathlib import Path

from headstart.core.errors import OutputError
from headstart.core.files import obstacle
from headstart.data.contact_sheet import ContactSheet, contact_sheet
from headstart.report.html.contact_page import write_contact_page
from headstart.study.photo_study import study_name


def show_data(dataset: str, page: Path | None = None) -> tuple[ContactSheet, Path]:
    """Look at a data set, and write its page.

    Args:
        dataset: a known name, or the path of a folder or file.
        page: where to; left out, the data set's name with -pictures.html in the current folder.

    Returns:
        The sheet, and the path of the page.

    Raises:
        DataError: it is missing or makes no data set. OutputError: the page cannot be written.
    """
    path = page or Path(f"{study_name(dataset)}-pictures.html")
    if why := obstacle(path, folder=False):
        raise OutputError(f"{path} cannot be written: {why}. Give another file: --html FILE")
    sheet = contact_sheet(dataset)
    write_contact_page(sheet, path)
    return sheet, path

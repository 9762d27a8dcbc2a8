"""`roomful tokens links`: a sheet of links and QR codes to print."""

import io
from collections.abc import Sequence
from pathlib import Path

import segno
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from roomful.cli.output import Failure, say
from roomful.cli.token_work import check_address, link
from roomful.token_file import Row, read_rows

_SHEET = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>Links</title>
<style>
body { margin: 1cm; font: 10pt/1.4 system-ui, sans-serif; color: #000; background: #fff; }
main { display: grid; grid-template-columns: repeat(auto-fill, minmax(5.6cm, 1fr)); gap: 4mm; }
section { padding: 4mm; border: 1px dashed #999; text-align: center; break-inside: avoid; }
h2 { margin: 0; font-size: 11pt; }
svg { width: 3.6cm; height: 3.6cm; }
p { margin: 0; font-family: ui-monospace, monospace; font-size: 8pt; overflow-wrap: anywhere; }
</style>
<main>
{%- for one in sheet %}
<section><h2>{{ one.label }}</h2>{{ one.code }}<p>{{ one.link }}</p></section>
{%- endfor %}
</main>
</html>
"""


def write_sheet(file: Path, out: Path, url: str) -> None:
    """Write the links of a file's tokens as one HTML file that needs nothing else."""
    check_address(url)
    rows = read_rows(file)
    try:
        with out.open("x", encoding="utf-8") as sheet:
            sheet.write(sheet_of(rows, url))
    except FileExistsError:
        raise Failure(f"{out} is there already: take another name, or delete it.") from None
    links = "1 link" if len(rows) == 1 else f"{len(rows)} links"
    say(f"{out}: {links} to {url}. Whoever has the sheet can use them.")


def sheet_of(rows: Sequence[Row], url: str) -> str:
    """The sheet: label, QR code and link of each row."""
    template = Environment(autoescape=True, undefined=StrictUndefined).from_string(_SHEET)
    shown = []
    for number, row in enumerate(rows, 1):
        address = link(url, row.cells["token"])
        shown.append({"label": row.cells.get("label") or str(number), "code": qr_code(address), "link": address})
    return template.render(sheet=shown)


def qr_code(text: str) -> Markup:
    """The text as a QR code, an inline SVG."""
    drawn = io.BytesIO()
    segno.make(text, error="m", micro=False).save(
        drawn, kind="svg", xmldecl=False, svgns=False, nl=False, omitsize=True, border=2
    )
    # made of numbers alone, whatever the text is
    return Markup(drawn.getvalue().decode("ascii"))  # noqa: S704

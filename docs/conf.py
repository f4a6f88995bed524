"""The site of these pages, `make docs`: Sphinx reads the Markdown as it is; a link that leads nowhere is an error."""

project = "responses-adapter"
extensions = ["myst_parser"]
root_doc = "README"
include_patterns = ["*.md", "docs/*.md", "docs/**/*.md", "tests/README.md", "bench/README.md"]
html_theme = "furo"
html_title = project
myst_heading_anchors = 4
suppress_warnings = ["toc.not_included", "misc.highlighting_failure"]  # diagrams stay text

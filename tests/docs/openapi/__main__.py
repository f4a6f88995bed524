"""Write the OpenAPI document that the package serves: `python -m tests.docs.openapi`."""

from adapter.api.about.openapi import DOCUMENT
from tests.docs.openapi.document import render

if __name__ == "__main__":
    DOCUMENT.write_text(render())

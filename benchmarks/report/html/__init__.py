"""The HTML pages: Jinja2 templates with autoescape, and the Python that fills them."""

"""The console for browsers: its pages, scripts and styles, as files that the API serves.

`static/` has plain ES modules, which a browser runs as they are; docs/console.md says how to add a page.

May import: nothing. Begin with `evd.web.assets`.
"""

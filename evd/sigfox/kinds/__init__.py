"""The kinds of callback that Sigfox sends, one file each.

A file defines one record, `KIND` (see `kind.Kind`): the kind's name, which is also its route; its number in Sigfox's
REST API; the variables that it requires and those that mark it; the reader that makes operations of it; and its row in
Sigfox's form. `readers` has what several kinds read in the same way.

A new kind is a new file here, with its row in `registry.KINDS`. Routes, recognition, reports, masking and
`evd sigfox config` derive from the registry.
"""

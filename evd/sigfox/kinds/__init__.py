"""The kinds of callback that Sigfox sends, a file each.

A file makes one record, `KIND` (see `kind.Kind`): the kind's name, which is also its route, its number in Sigfox's REST
API, the variables that it must have and those that tell it apart, what is written of it, and what Sigfox's form gets.
`readers` has what several kinds read in the same way.

A new kind is a new file here, with its row in `registry.KINDS`. Routes, recognition, reports, masking and
`evd sigfox config` derive from the registry.
"""

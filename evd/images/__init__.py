"""Pictures of vehicles: what an owner sends is drawn again, without what it says besides, and kept in files.

May import: config. Begin with `evd.images.library`; `drawing` has what becomes of a picture, and another type of
picture is a row of `kinds`.
"""

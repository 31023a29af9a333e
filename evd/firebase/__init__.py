"""Firestore, where the original's app keeps its users' vehicles: import, sync, mirror.

May import: config, model, redaction, log, net, store and push. Begin with `evd.firebase.documents`, which says what evd
reads in a user's document and what it writes there. `sync` and `mirror` know the loop; `firestore` blocks, so `service`
calls it in threads.
"""

"""Firestore and Cloud Storage, where the original's app keeps its users' vehicles: import, sync, mirror.

May import: config, model, redaction and push. Begin with `evd.firebase.documents`, which says what evd reads in a
user's document and what it writes there. `firestore` blocks, so the daemon calls it in threads.
"""

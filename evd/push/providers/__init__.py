"""One folder a provider; `evd.push.protocols.Pusher` is what each gives."""

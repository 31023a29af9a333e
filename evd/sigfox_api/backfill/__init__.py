"""Fetch what evd missed: `mapping` makes callbacks of the API's messages, `runner` fetches and ingests them."""

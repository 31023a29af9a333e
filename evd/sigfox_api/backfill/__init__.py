"""What Sigfox has and evd lacks: `mapping` makes callbacks of the API's messages, `runner` fetches and takes them."""

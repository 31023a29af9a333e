"""The kinds of callback that Sigfox sends: variables, routes, reports, and what to type into Sigfox's form."""

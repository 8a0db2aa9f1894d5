//! Who is where: tables, reports, watches and leases, for the router and for the gateway; no IO.

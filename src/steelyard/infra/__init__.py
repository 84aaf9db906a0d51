"""What the product stands on and no user asks for by name: settings, database, jobs, auth, outbound HTTP, logs."""

"""Strategy research: kernels, sweeps, and what tells skill from luck."""

"""Lives of jobs as text, played on the real engine and on the oracle."""

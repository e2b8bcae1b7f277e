"""Tests of webhooks: from the log of events to a receiver's answer."""

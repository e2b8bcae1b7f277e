"""What users test with: the fixtures of the pytest plugins, tried as users use them."""

"""What a process that dies at any moment costs: `stepfour eval crash`."""

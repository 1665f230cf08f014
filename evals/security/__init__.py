"""What a hostile model, text or person can make Stepfour do: measured by the effects at the platform."""

"""From runs over a calibration split to a profile that the selector decides by."""

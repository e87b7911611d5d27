"""What the speed benchmark measures, one file each."""

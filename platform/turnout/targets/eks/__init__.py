"""EKS: pods in a cluster in Auto Mode, or in a cluster that exists."""

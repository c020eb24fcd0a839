"""Real servers under one gate or several: outages, notices between workers, several applications."""

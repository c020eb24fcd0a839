"""Parts that the stores share: documents, atomic files, forks, network file systems."""

"""The exchange for GIS: OGC API Features and Tiles over the same gate as every other reading."""

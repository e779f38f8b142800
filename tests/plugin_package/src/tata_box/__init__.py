"""What TATA boxes tell of promoters, for genomark."""

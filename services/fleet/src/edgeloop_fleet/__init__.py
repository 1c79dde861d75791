"""Standing, health and configuration of the devices of each tenant."""

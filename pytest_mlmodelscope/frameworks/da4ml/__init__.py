"""da4ml: fixed-point models as circuits, simulated cycle by cycle, placed and routed for a device."""

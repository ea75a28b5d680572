"""Why a figure over items is not the published one: which usual mistake explains it."""

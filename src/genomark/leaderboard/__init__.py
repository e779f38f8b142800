"""The leaderboard: pages, their JSON twins and static files, over a store of results."""

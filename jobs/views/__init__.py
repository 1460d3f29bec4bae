"""The pages. A view finds, asks, redirects: querysets say who sees and changes, lifecycle what may happen."""

"""The welfare and insurance registers (福祉・保険システム), one module for each way to reach them."""

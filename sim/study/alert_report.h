// What backtest and review found, as text and as JSON.
#pragma once

#include <string>

#include "sim/report/text_table.h"
#include "sim/study/backtest.h"
#include "sim/study/review.h"

namespace dvt::sim {

std::string render_backtest_text(const BacktestResult& result, Colour colour);
std::string render_backtest_json(const BacktestResult& result);
std::string render_review_text(const ReviewResult& result, Colour colour);
std::string render_review_json(const ReviewResult& result);

}  // namespace dvt::sim

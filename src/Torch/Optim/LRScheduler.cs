// torch.optim.lr_scheduler: the rate of every parameter group as a function of the number of step() calls. The rates are PyTorch's;
// where PyTorch multiplies its way from step to step, so does this, to the same last bit.

namespace TorchSharp;

public static partial class torch
{
    public static partial class optim
    {
        public static partial class lr_scheduler
        {
            public abstract class LRScheduler
            {
                private readonly Optimizer _optimizer = null!;
                private readonly bool _verbose;
                private readonly List<double> _lastRates = [];
                private protected readonly List<double> _base_lrs = [];
                private protected int _last_epoch;
                protected int _step_count;

                protected LRScheduler() { }

                protected LRScheduler(Optimizer optimizer, int last_epoch = -1, bool verbose = false)
                {
                    ArgumentNullException.ThrowIfNull(optimizer);
                    (_optimizer, _last_epoch, _verbose) = (optimizer, last_epoch, verbose);
                    _base_lrs.AddRange(optimizer.ParamGroups.Select(g => g.InitialLearningRate));
                    _lastRates.AddRange(optimizer.ParamGroups.Select(g => g.LearningRate));
                }

                public virtual void step() => step(null);

                /// <summary>Goes on by one, or to a given epoch (by the closed form).</summary>
                public virtual void step(int? epoch)
                {
                    _step_count++;
                    _last_epoch = epoch ?? _last_epoch + 1;
                    var rates = (epoch is null ? get_lr() : get_closed_form_lr()).ToList();
                    var i = 0;
                    foreach (var group in _optimizer.ParamGroups)
                    {
                        if (_verbose && _lastRates[i] != rates[i]) Console.WriteLine($"Adjusting learning rate to {rates[i]}");
                        group.LearningRate = _lastRates[i] = rates[i];
                        i++;
                    }
                }

                public virtual void step(double current, int? epoch = null) => step(epoch);

                public IEnumerable<double> get_last_lr() => _lastRates;

                protected virtual IEnumerable<double> get_lr() => Rates();
                protected virtual IEnumerable<double> get_closed_form_lr() => get_lr();

                private protected IEnumerable<double> Rates() => _optimizer.ParamGroups.Select(g => g.LearningRate);
            }

            public static partial class impl
            {
                public class LambdaLR : LRScheduler
                {
                    private readonly List<Func<int, double>> _lambdas;

                    public LambdaLR(Optimizer optimizer, Func<int, double> lr_lambda, int last_epoch = -1, bool verbose = false)
                        : this(optimizer, Enumerable.Repeat(lr_lambda, optimizer?.ParamGroups.Count() ?? 0), last_epoch, verbose) { }

                    public LambdaLR(Optimizer optimizer, IEnumerable<Func<int, double>> lr_lambdas, int last_epoch = -1, bool verbose = false) : base(optimizer, last_epoch, verbose)
                    {
                        _lambdas = [.. lr_lambdas];
                        if (_lambdas.Count != _base_lrs.Count)
                            throw new ArgumentException($"Expected {_base_lrs.Count} lr_lambdas, one per parameter group, but got {_lambdas.Count}.", nameof(lr_lambdas));
                        step();
                    }

                    protected override IEnumerable<double> get_lr() => _base_lrs.Select((rate, i) => rate * _lambdas[i](_last_epoch));
                }

                public class StepLR : LRScheduler
                {
                    private readonly int _size;
                    private readonly double _gamma;

                    public StepLR(Optimizer optimizer, int step_size, double gamma = 0.1, int last_epoch = -1, bool verbose = false) : base(optimizer, last_epoch, verbose)
                    {
                        if (step_size < 1) throw new ArgumentException($"step_size must be at least 1, not {step_size}.", nameof(step_size));
                        (_size, _gamma) = (step_size, gamma);
                        step();
                    }

                    protected override IEnumerable<double> get_lr() => _last_epoch == 0 || _last_epoch % _size != 0 ? Rates() : Rates().Select(rate => rate * _gamma);
                    protected override IEnumerable<double> get_closed_form_lr() => _base_lrs.Select(rate => rate * Math.Pow(_gamma, _last_epoch / _size));
                }

                public class ExponentialLR : LRScheduler
                {
                    private readonly double _gamma;

                    public ExponentialLR(Optimizer optimizer, double gamma = 0.1, int last_epoch = -1, bool verbose = false) : base(optimizer, last_epoch, verbose)
                    {
                        _gamma = gamma;
                        step();
                    }

                    protected override IEnumerable<double> get_lr() => _last_epoch == 0 ? Rates() : Rates().Select(rate => rate * _gamma);
                    protected override IEnumerable<double> get_closed_form_lr() => _base_lrs.Select(rate => rate * Math.Pow(_gamma, _last_epoch));
                }

                /// <summary>From start_factor to end_factor times the rate, over total_iters steps.</summary>
                public class LinearLR : LRScheduler
                {
                    private readonly double _start;
                    private readonly double _end;
                    private readonly int _total;

                    public LinearLR(Optimizer optimizer, double start_factor = 1.0 / 3, double end_factor = 1.0, int total_iters = 5, int last_epoch = -1, bool verbose = false) : base(optimizer, last_epoch, verbose)
                    {
                        (_start, _end, _total) = (start_factor, end_factor, total_iters);
                        step();
                    }

                    protected override IEnumerable<double> get_lr() =>
                        _last_epoch == 0 ? Rates().Select(rate => rate * _start)
                        : _last_epoch > _total ? Rates()
                        : Rates().Select(rate => rate * (1 + (_end - _start) / (_total * _start + (_last_epoch - 1) * (_end - _start))));

                    protected override IEnumerable<double> get_closed_form_lr() =>
                        _base_lrs.Select(rate => rate * (_start + (_end - _start) * Math.Min(_total, _last_epoch) / _total));
                }

                /// <summary>SGDR (Loshchilov and Hutter 2017) without restarts: half a cosine from the rate down to eta_min over T_max steps.</summary>
                public class CosineAnnealingLR : LRScheduler
                {
                    private readonly double _period;
                    private readonly double _least;

                    public CosineAnnealingLR(Optimizer optimizer, double T_max, double eta_min = 0.0, int last_epoch = -1, bool verbose = false) : base(optimizer, last_epoch, verbose)
                    {
                        (_period, _least) = (T_max, eta_min);
                        step();
                    }

                    protected override IEnumerable<double> get_lr()
                    {
                        if (_last_epoch == 0) return Rates();
                        if (_step_count == 1 && _last_epoch > 0) return get_closed_form_lr();
                        if ((_last_epoch - 1 - _period) % (2 * _period) == 0)
                            return Rates().Select((rate, i) => rate + (_base_lrs[i] - _least) * (1 - Math.Cos(Math.PI / _period)) / 2);
                        return Rates().Select(rate =>
                            (1 + Math.Cos(Math.PI * _last_epoch / _period)) / (1 + Math.Cos(Math.PI * (_last_epoch - 1) / _period)) * (rate - _least) + _least);
                    }

                    protected override IEnumerable<double> get_closed_form_lr() =>
                        _base_lrs.Select(rate => _least + (rate - _least) * (1 + Math.Cos(Math.PI * _last_epoch / _period)) / 2);
                }
            }

            public static LRScheduler LambdaLR(Optimizer optimizer, Func<int, double> lr_lambda, int last_epoch = -1, bool verbose = false) => new impl.LambdaLR(optimizer, lr_lambda, last_epoch, verbose);
            public static LRScheduler StepLR(Optimizer optimizer, int step_size, double gamma = 0.1, int last_epoch = -1, bool verbose = false) => new impl.StepLR(optimizer, step_size, gamma, last_epoch, verbose);
            public static LRScheduler ExponentialLR(Optimizer optimizer, double gamma = 0.1, int last_epoch = -1, bool verbose = false) => new impl.ExponentialLR(optimizer, gamma, last_epoch, verbose);
            public static LRScheduler LinearLR(Optimizer optimizer, double start_factor = 1.0 / 3, double end_factor = 1.0, int total_iters = 5, int last_epoch = -1, bool verbose = false) => new impl.LinearLR(optimizer, start_factor, end_factor, total_iters, last_epoch, verbose);
            public static LRScheduler CosineAnnealingLR(Optimizer optimizer, double T_max, double eta_min = 0.0, int last_epoch = -1, bool verbose = false) => new impl.CosineAnnealingLR(optimizer, T_max, eta_min, last_epoch, verbose);
        }
    }
}
